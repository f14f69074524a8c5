-- Answers: what do the manifests on the disk name that is not there, or not as they say?
-- Parameters: $links (whether repositories hold links to what may be pulled from them); tables
--             disk_blobs, disk_tags, disk_revisions, disk_layer_links, disk_references,
--             disk_reached.
-- Columns: code, repository, reference, named_by, size, on_disk, reached (a tag leads there).
WITH
tops AS (
    SELECT repository, manifest, bool_or(reached) AS reached
    FROM (
        SELECT repository, manifest, TRUE AS reached FROM disk_reached
        UNION ALL
        SELECT repository, digest, FALSE FROM disk_revisions
    ) AS either
    GROUP BY repository, manifest
),
namers AS (
    SELECT repository, digest, min(named_by) AS named_by
    FROM (
        SELECT repository, digest, tag AS named_by FROM disk_tags
        UNION ALL
        SELECT tops.repository, disk_references.digest, disk_references.manifest
        FROM tops
        JOIN disk_references USING (manifest)
        WHERE disk_references.role = 'child'
    ) AS every
    GROUP BY repository, digest
),
manifests_at_fault AS (
    SELECT
        CASE WHEN disk_blobs.digest IS NULL THEN 'MANIFEST_MISSING' ELSE 'REVISION_MISSING' END AS code,
        tops.repository,
        tops.manifest AS reference,
        namers.named_by,
        NULL::BIGINT AS size,
        disk_blobs.bytes AS on_disk,
        tops.reached
    FROM tops
    LEFT JOIN disk_blobs ON disk_blobs.digest = tops.manifest
    LEFT JOIN disk_revisions
        ON disk_revisions.repository = tops.repository
        AND disk_revisions.digest = tops.manifest
    LEFT JOIN namers
        ON namers.repository = tops.repository AND namers.digest = tops.manifest
    WHERE disk_blobs.digest IS NULL OR ($links AND disk_revisions.digest IS NULL)
),
contents AS (
    SELECT
        tops.repository,
        disk_references.digest,
        min(disk_references.manifest) AS named_by,
        max(disk_references.size) AS size,
        bool_or(tops.reached) AS reached
    FROM tops
    JOIN disk_references USING (manifest)
    WHERE disk_references.role <> 'child' AND NOT disk_references."foreign"
    GROUP BY tops.repository, disk_references.digest
),
contents_at_fault AS (
    SELECT
        CASE
            WHEN disk_blobs.digest IS NULL THEN 'BLOB_MISSING'
            WHEN contents.size <> disk_blobs.bytes THEN 'BLOB_SIZE_WRONG'
            ELSE 'LAYER_LINK_MISSING'
        END AS code,
        contents.repository,
        contents.digest,
        contents.named_by,
        contents.size,
        disk_blobs.bytes,
        contents.reached
    FROM contents
    LEFT JOIN disk_blobs USING (digest)
    LEFT JOIN disk_layer_links
        ON disk_layer_links.repository = contents.repository
        AND disk_layer_links.digest = contents.digest
    WHERE
        disk_blobs.digest IS NULL
        OR contents.size <> disk_blobs.bytes
        OR ($links AND disk_layer_links.digest IS NULL)
)
SELECT * FROM manifests_at_fault
UNION ALL
SELECT * FROM contents_at_fault
ORDER BY reached DESC, code, repository, reference
