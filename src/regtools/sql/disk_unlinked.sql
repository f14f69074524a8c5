-- Answers: which manifests does --delete-untagged take from which repository? 3 leaves those that
--          anything it keeps names; both leave a repository alone that never had a tag.
-- Parameters: none; tables disk_blobs, disk_repositories, disk_tags, disk_revisions, disk_marked.
-- Columns: mode, repository, digest.
SELECT modes.mode, disk_revisions.repository, disk_revisions.digest
FROM disk_revisions
JOIN disk_repositories USING (repository)
CROSS JOIN (VALUES ('2.8'), ('3')) AS modes(mode)
SEMI JOIN disk_blobs ON disk_blobs.digest = disk_revisions.digest
ANTI JOIN disk_tags
    ON disk_tags.repository = disk_revisions.repository AND disk_tags.digest = disk_revisions.digest
ANTI JOIN disk_marked
    ON disk_marked.mode = '3' AND modes.mode = '3' AND disk_marked.digest = disk_revisions.digest
WHERE disk_repositories.has_layers AND disk_repositories.has_tags
