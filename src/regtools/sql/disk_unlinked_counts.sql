-- Answers: how many manifests does --delete-untagged take from repositories?
-- Parameters: none; table disk_unlinked.
-- Columns: mode, manifests.
SELECT mode, count(*) AS manifests FROM disk_unlinked
GROUP BY mode
