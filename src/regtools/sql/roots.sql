-- Answers: which manifest does each tag name, and which manifests have no tag?
-- Parameters: none; tables links, tagged, others.
-- Columns: place, tag (NULL: untagged), node (NULL: not read), unread (its digest then), pushed_at,
--          pulled_at, web_url, follows (a referrer's tag whose bytes are counted with its subject), context
--          (the place, where that has referrers), root.
WITH
contexts AS (
    SELECT DISTINCT place FROM links WHERE place IS NOT NULL
),
named AS (
    SELECT place, tag, node, unread, pushed_at, pulled_at, web_url, FALSE AS follows
    FROM tagged
    WHERE NOT refers
    UNION ALL
    SELECT
        place,
        tag,
        node,
        CASE WHEN node IS NULL THEN digest END,
        pushed_at,
        pulled_at,
        NULL AS web_url,
        follows
    FROM others
),
every AS (
    SELECT named.*, contexts.place AS context FROM named LEFT JOIN contexts USING (place)
),
-- The same manifest in one scan is one root, unless the repository has referrers of its own.
tops AS (
    SELECT node, context, (row_number() OVER (ORDER BY node, context))::INTEGER AS root
    FROM (SELECT DISTINCT node, context FROM every) AS once
)
SELECT every.*, tops.root
FROM every
JOIN tops
    ON tops.node IS NOT DISTINCT FROM every.node
    AND tops.context IS NOT DISTINCT FROM every.context
