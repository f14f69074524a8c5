-- Answers: how much is to be copied to each repository of the destination, and how much is there?
-- Parameters: the variable scope (see migration_contents); table migration_contents.
-- Columns: destination, manifests (not in the repository), blobs_to_copy, bytes_to_copy (not in the
--          scope, and brought by this repository), bytes_there (the other wanted ones), mounts
--          (blobs that another repository has), unsized (blobs to copy whose size nobody tells).
SELECT
    destination,
    count(*) FILTER (WHERE role = 'manifest' AND NOT held) AS manifests,
    count(*) FILTER (WHERE role <> 'manifest' AND NOT there AND first) AS blobs_to_copy,
    coalesce(sum(size) FILTER (WHERE NOT there AND first), 0) AS bytes_to_copy,
    coalesce(sum(size) FILTER (WHERE there AND first), 0) AS bytes_there,
    count(*) FILTER (WHERE role <> 'manifest' AND NOT held AND (there OR NOT first)) AS mounts,
    count(*) FILTER (WHERE NOT there AND first AND NOT known) AS unsized
FROM migration_contents
GROUP BY destination
ORDER BY destination
