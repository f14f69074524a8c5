-- Answers: which manifests does each repository hold, and which of them stay? What stays keeps all
--          that it leads to; a referrer stays and goes with its subject.
-- Parameters: none; tables links, versions, fixed.
-- Columns: place, node, kept.
WITH RECURSIVE
tops AS (
    SELECT place, node, leaving < holders AS kept FROM versions
    UNION ALL
    SELECT place::INTEGER, node::INTEGER, TRUE FROM fixed
),
reached AS (
    SELECT tops.place, tops.node, tops.kept
    FROM tops
    SEMI JOIN links ON links.parent = tops.node
    UNION
    SELECT reached.place, links.child::INTEGER, reached.kept
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.place)
)
SELECT place, node, bool_or(kept) AS kept
FROM (
    SELECT place, node, kept FROM tops
    UNION ALL
    SELECT place, node, kept FROM reached
) AS every
GROUP BY place, node
