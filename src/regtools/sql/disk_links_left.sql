-- Answers: how many links of each repository's layers lead to nothing once a garbage collection is
--          done? 2.8 leaves them where they are.
-- Parameters: none; tables disk_layer_links, disk_categories.
-- Columns: plain, untagged.
SELECT
    count(*) FILTER (WHERE coalesce(freed, TRUE)) AS plain,
    count(*) FILTER (WHERE coalesce(freed_untagged, TRUE)) AS untagged
FROM disk_layer_links
LEFT JOIN disk_categories USING (digest)
