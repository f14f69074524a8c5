-- Answers: which manifest does each tag name, in numbers?
-- Parameters: the variable referrer_tags (see macros); tables places, nodes.
-- Columns: place, scan, tag, node (NULL: not read), unread (its digest then), pushed_at, pulled_at,
--          locked, web_url, refers (it is a referrer's tag, and no version).
SELECT
    places.place,
    places.scan,
    tags.tag,
    nodes.node,
    CASE WHEN nodes.node IS NULL THEN tags.digest END AS unread,
    tags.pushed_at,
    tags.pulled_at,
    tags.locked,
    tags.web_url,
    is_referrer_tag(tags.tag) AS refers
FROM tags
JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
