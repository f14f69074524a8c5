-- Answers: which tags can no longer be pulled whole once 2.8's --delete-untagged has run, since an
--          index keeps naming a manifest that its repository then does not hold?
-- Parameters: none; tables disk_tags, disk_references, disk_unlinked.
-- Columns: repository, tag, digest, child, platform.
WITH RECURSIVE
below AS (
    SELECT repository, tag, digest, digest AS child, NULL::VARCHAR AS platform FROM disk_tags
    UNION
    SELECT
        below.repository, below.tag, below.digest, disk_references.digest, disk_references.platform
    FROM below
    JOIN disk_references ON disk_references.manifest = below.child
    WHERE disk_references.role = 'child'
)
SELECT below.repository, below.tag, below.digest, below.child, below.platform
FROM below
JOIN disk_unlinked
    ON disk_unlinked.mode = '2.8'
    AND disk_unlinked.repository = below.repository
    AND disk_unlinked.digest = below.child
ORDER BY below.repository, below.tag, below.platform, below.child
