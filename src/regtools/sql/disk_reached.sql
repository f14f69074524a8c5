-- Answers: to which manifests do the tags of each repository on the disk lead, through indexes and
--          on to the referrers that the repository holds?
-- Parameters: none; tables disk_tags, disk_revisions, disk_manifests, disk_references.
-- Columns: repository, manifest.
WITH RECURSIVE
links AS (
    SELECT NULL::VARCHAR AS repository, manifest AS parent, digest AS child
    FROM disk_references
    WHERE role = 'child'
    UNION ALL
    SELECT disk_revisions.repository, disk_manifests.subject, disk_revisions.digest
    FROM disk_revisions
    JOIN disk_manifests USING (digest)
    WHERE disk_manifests.subject IS NOT NULL
),
-- UNION keeps each manifest once, so even a cycle comes to its end.
reached AS (
    SELECT repository, digest AS manifest FROM disk_tags
    UNION
    SELECT reached.repository, links.child
    FROM reached
    JOIN links
        ON links.parent = reached.manifest
        AND (links.repository IS NULL OR links.repository = reached.repository)
)
SELECT repository, manifest FROM reached
