-- Answers: in which repositories does 2.8's --delete-untagged stop, since they hold manifests and
--          have never had a tag? ("failed to retrieve tags unknown repository", seen with 2.8.2.)
-- Parameters: none; tables disk_blobs, disk_repositories, disk_revisions.
-- Columns: repository.
SELECT DISTINCT repository
FROM disk_revisions
JOIN disk_repositories USING (repository)
SEMI JOIN disk_blobs USING (digest)
WHERE has_layers AND NOT has_tags
ORDER BY repository
