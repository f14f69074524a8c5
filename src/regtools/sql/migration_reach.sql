-- Answers: what does each of these manifests lead to, where it is? Through indexes, and from a
--          subject to its referrers.
-- Parameters: none; tables links, migration_tops(place, node).
-- Columns: place, top, node, own (not only through a referrer).
WITH RECURSIVE
reached AS (
    SELECT DISTINCT place, node AS top, node, TRUE AS own FROM migration_tops
    UNION
    SELECT
        reached.place, reached.top, links.child, reached.own AND links.place IS NULL
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.place)
)
SELECT place, top, node, bool_or(own) AS own
FROM reached
GROUP BY place, top, node
