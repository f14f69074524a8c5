-- Answers: which tags are those of referrers?
-- Parameters: none; tables places, nodes.
-- Columns: place, scan, tag, digest, node (NULL: not read), pushed_at, pulled_at.
SELECT
    places.place,
    places.scan,
    tags.tag,
    tags.digest,
    nodes.node,
    tags.pushed_at,
    tags.pulled_at
FROM tags
JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
WHERE is_referrer_tag(tags.tag)
