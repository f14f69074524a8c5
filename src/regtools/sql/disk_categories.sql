-- Answers: what is each blob on the disk for, and which garbage collection removes it?
-- Parameters: none; tables disk_blobs, disk_revisions, disk_references, disk_reached, disk_marked.
-- Columns: digest, bytes, disk_bytes, role (manifest, layer, config; NULL: nothing names it),
--          category (reachable, untagged_manifests, orphan_blobs), freed, freed_untagged,
--          freed_untagged_v3.
WITH RECURSIVE
held AS (
    SELECT digest AS manifest FROM disk_revisions
    UNION
    SELECT disk_references.digest
    FROM held
    JOIN disk_references USING (manifest)
    WHERE disk_references.role = 'child'
),
tops AS (
    SELECT manifest, bool_or(reached) AS reached
    FROM (
        SELECT manifest, TRUE AS reached FROM disk_reached
        UNION ALL
        SELECT manifest, FALSE FROM held
    ) AS either
    GROUP BY manifest
),
named AS (
    SELECT digest, max(role) AS role, bool_or(reached) AS reached
    FROM (
        SELECT manifest AS digest, 'manifest' AS role, reached FROM tops
        UNION ALL
        SELECT disk_references.digest, disk_references.role, tops.reached
        FROM tops
        JOIN disk_references USING (manifest)
        WHERE disk_references.role <> 'child'
    ) AS every
    GROUP BY digest
),
kept AS (
    SELECT
        digest,
        bool_or(mode = 'plain') AS plain,
        bool_or(mode = '2.8') AS untagged,
        bool_or(mode = '3') AS untagged_v3
    FROM disk_marked
    GROUP BY digest
)
SELECT
    disk_blobs.digest,
    disk_blobs.bytes,
    disk_blobs.disk_bytes,
    named.role,
    CASE
        WHEN named.digest IS NULL THEN 'orphan_blobs'
        WHEN named.reached THEN 'reachable'
        ELSE 'untagged_manifests'
    END AS category,
    NOT coalesce(kept.plain, FALSE) AS freed,
    NOT coalesce(kept.untagged, FALSE) AS freed_untagged,
    NOT coalesce(kept.untagged_v3, FALSE) AS freed_untagged_v3
FROM disk_blobs
LEFT JOIN named USING (digest)
LEFT JOIN kept USING (digest)
