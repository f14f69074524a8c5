-- Answers: which manifests does a repository hold that none of its tags leads to, and how much?
-- Parameters: none; tables disk_revisions, disk_references, disk_reached, disk_earlier,
--             disk_categories.
-- Columns: repository, digest, tags (a list: those that have named it), bytes (of what it leads to
--          and no tag does; what two of these share is in both).
WITH RECURSIVE
loose AS (
    SELECT repository, digest
    FROM disk_revisions
    ANTI JOIN disk_reached
        ON disk_reached.repository = disk_revisions.repository
        AND disk_reached.manifest = disk_revisions.digest
),
below AS (
    SELECT DISTINCT digest AS top, digest AS item FROM loose
    UNION
    SELECT below.top, disk_references.digest
    FROM below
    JOIN disk_references ON disk_references.manifest = below.item
),
sizes AS (
    SELECT below.top AS digest, sum(disk_categories.bytes) AS bytes
    FROM below
    JOIN disk_categories ON disk_categories.digest = below.item
    WHERE disk_categories.category = 'untagged_manifests'
    GROUP BY below.top
),
names AS (
    SELECT repository, digest, list(DISTINCT tag ORDER BY tag) AS tags
    FROM disk_earlier
    GROUP BY repository, digest
)
SELECT
    loose.repository, loose.digest, coalesce(names.tags, []) AS tags, coalesce(sizes.bytes, 0) AS bytes
FROM loose
LEFT JOIN sizes USING (digest)
LEFT JOIN names USING (repository, digest)
ORDER BY bytes DESC, loose.repository, loose.digest
