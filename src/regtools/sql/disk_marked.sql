-- Answers: which digests does a garbage collection of the registry keep? In mode `plain` all that
--          the repositories hold; in `2.8` and `3`, with --delete-untagged, what has a tag of its
--          own. 2.8 keeps what such a manifest names, but not what that names in turn; 3 follows.
--          Source: distribution's registry/storage/garbagecollect.go, main of 2026-11, and what
--          2.8.2 was seen to do.
-- Parameters: none; tables disk_blobs, disk_repositories, disk_tags, disk_revisions,
--             disk_references.
-- Columns: mode, digest.
WITH RECURSIVE
modes(mode, delete_untagged, follows) AS (
    VALUES ('plain', FALSE, FALSE), ('2.8', TRUE, FALSE), ('3', TRUE, TRUE)
),
-- A folder is a repository to it only if something was ever uploaded there.
walked AS (
    SELECT repository, digest
    FROM disk_revisions
    JOIN disk_repositories USING (repository)
    SEMI JOIN disk_blobs USING (digest)
    WHERE has_layers
),
chosen AS (
    SELECT mode, repository, digest, follows
    FROM walked
    CROSS JOIN modes
    WHERE NOT delete_untagged OR (repository, digest) IN (SELECT (repository, digest) FROM disk_tags)
),
marked AS (
    SELECT mode, repository, digest, follows, TRUE AS opened FROM chosen
    UNION
    SELECT
        marked.mode,
        marked.repository,
        disk_references.digest,
        marked.follows,
        marked.follows AND walked.digest IS NOT NULL
    FROM marked
    JOIN disk_references ON disk_references.manifest = marked.digest
    LEFT JOIN walked
        ON walked.repository = marked.repository AND walked.digest = disk_references.digest
    WHERE marked.opened
)
SELECT DISTINCT mode, digest FROM marked
