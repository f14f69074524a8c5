-- Answers: what do the newest scan and the disk say differently? Tags only of what was scanned.
-- Parameters: none; tables disk_tags, disk_categories, places.
-- Columns: what, repository, tag, digest (in the scan), digest_on_disk, bytes, changed_at (when the
--          disk's tag was last moved), taken_at (of the scan).
WITH
scanned AS (
    SELECT places.repository, tags.tag, tags.digest, snapshots.taken_at
    FROM tags
    JOIN places USING (snapshot, repository)
    JOIN snapshots USING (snapshot)
),
looked_at AS (
    SELECT disk_tags.*, max(snapshots.taken_at) AS taken_at
    FROM disk_tags
    JOIN snapshots
        ON snapshots.namespace = ''
        OR snapshots.namespace = disk_tags.repository
        OR starts_with(disk_tags.repository, snapshots.namespace || '/')
    GROUP BY ALL
),
told AS (
    SELECT digest, max(size) AS size, max(media_type) AS media_type
    FROM (
        SELECT digest, size, media_type FROM manifests
        UNION ALL
        SELECT config_digest, config_size, NULL FROM manifests WHERE config_digest IS NOT NULL
        UNION ALL
        SELECT blob, size, NULL FROM layers WHERE NOT "foreign"
    ) AS every
    GROUP BY digest
)
SELECT
    CASE
        WHEN looked_at.tag IS NULL THEN 'tag_only_in_scan'
        WHEN scanned.tag IS NULL THEN 'tag_only_on_disk'
        ELSE 'tag_names_another'
    END AS what,
    coalesce(scanned.repository, looked_at.repository) AS repository,
    coalesce(scanned.tag, looked_at.tag) AS tag,
    scanned.digest,
    looked_at.digest AS digest_on_disk,
    NULL::BIGINT AS bytes,
    looked_at.changed_at,
    coalesce(scanned.taken_at, looked_at.taken_at) AS taken_at
FROM scanned
FULL JOIN looked_at
    ON looked_at.repository = scanned.repository AND looked_at.tag = scanned.tag
WHERE scanned.digest IS DISTINCT FROM looked_at.digest
UNION ALL
SELECT
    CASE WHEN disk_categories.digest IS NULL THEN 'blob_only_in_scan' ELSE 'blob_of_other_size' END,
    NULL,
    NULL,
    told.digest,
    disk_categories.digest,
    coalesce(told.size, 0) - coalesce(disk_categories.bytes, 0),
    NULL,
    NULL
FROM told
LEFT JOIN disk_categories USING (digest)
WHERE
    disk_categories.digest IS NULL
    -- Schema 1 is stored without the signatures that it is served with.
    OR (told.size <> disk_categories.bytes AND coalesce(told.media_type, '') NOT LIKE '%.v1+%jws')
ORDER BY what, repository, tag, digest
