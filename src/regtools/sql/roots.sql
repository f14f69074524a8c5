-- Answers: which manifest does each tag name, and which manifests have no tag?
-- Parameters: none; tables places, nodes, links, others.
-- Columns: place, tag (NULL: untagged), digest, node, pushed_at, pulled_at, follows (a referrer's tag
--          whose bytes are counted with its subject), context (the place, where that has
--          referrers), root.
WITH
contexts AS (
    SELECT DISTINCT place FROM links WHERE place IS NOT NULL
),
every AS (
    SELECT
        places.place,
        tags.tag,
        tags.digest,
        nodes.node,
        tags.pushed_at,
        tags.pulled_at,
        FALSE AS follows
    FROM tags
    JOIN places ON places.snapshot = tags.snapshot AND places.repository = tags.repository
    LEFT JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
    WHERE NOT is_referrer_tag(tags.tag)
    UNION ALL
    SELECT place, tag, digest, node, pushed_at, pulled_at, follows FROM others
)
SELECT
    every.*,
    contexts.place AS context,
    -- The same manifest in one scan is one root, unless the repository has referrers of its own.
    dense_rank() OVER (ORDER BY every.node, contexts.place) AS root
FROM every
LEFT JOIN contexts ON contexts.place = every.place
ORDER BY every.place, every.tag
