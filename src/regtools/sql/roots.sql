-- Answers: which manifest does each tag name, and which manifests have no tag?
-- Parameters: none; tables nodes, links, tagged, others.
-- Columns: place, tag (NULL: untagged), digest, node, pushed_at, pulled_at, follows (a referrer's tag
--          whose bytes are counted with its subject), context (the place, where that has
--          referrers), root.
WITH
contexts AS (
    SELECT DISTINCT place FROM links WHERE place IS NOT NULL
),
every AS (
    SELECT
        tagged.place,
        tagged.tag,
        coalesce(nodes.digest, tagged.unread) AS digest,
        tagged.node,
        tagged.pushed_at,
        tagged.pulled_at,
        FALSE AS follows
    FROM tagged
    LEFT JOIN nodes USING (node)
    WHERE NOT tagged.refers
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
