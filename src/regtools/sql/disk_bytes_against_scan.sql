-- Answers: of the bytes that the scan and the disk know, how many do both, and what are the others?
-- Parameters: none; table disk_categories.
-- Columns: what (in_both, only_in_scan, only_on_disk), category (on the disk), blobs, scan_bytes,
--          disk_bytes.
WITH
told AS (
    SELECT digest, max(size) AS size
    FROM (
        SELECT digest, size FROM manifests
        UNION ALL
        SELECT config_digest, config_size FROM manifests WHERE config_digest IS NOT NULL
        UNION ALL
        SELECT blob, size FROM layers WHERE NOT "foreign"
    ) AS every
    GROUP BY digest
)
SELECT
    CASE
        WHEN disk_categories.digest IS NULL THEN 'only_in_scan'
        WHEN told.digest IS NULL THEN 'only_on_disk'
        ELSE 'in_both'
    END AS what,
    disk_categories.category,
    count(*) AS blobs,
    sum(coalesce(told.size, 0)) AS scan_bytes,
    sum(coalesce(disk_categories.bytes, 0)) AS disk_bytes
FROM told
FULL JOIN disk_categories USING (digest)
GROUP BY ALL
ORDER BY what, category
