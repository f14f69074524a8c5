-- Answers: when was each manifest's image made, by a date that can be believed? An index is as
--          young as the newest of what it holds; a referrer does not make its subject younger.
-- Parameters: $earliest, before which no image can have been made; tables places, nodes, links.
-- Columns: node, made_at (NULL: nobody can tell).
WITH RECURSIVE
scans AS (
    SELECT DISTINCT places.scan, snapshots.taken_at FROM places JOIN snapshots USING (snapshot)
),
dated AS (
    SELECT
        nodes.node,
        -- Reproducible builds write 1970 or 1980, and a broken clock writes the future.
        CASE WHEN nodes.created_at BETWEEN $earliest AND scans.taken_at THEN nodes.created_at END
            AS made_at
    FROM nodes
    JOIN scans USING (scan)
),
below AS (
    SELECT DISTINCT parent AS top, parent AS node FROM links WHERE place IS NULL
    UNION
    SELECT below.top, links.child
    FROM below
    JOIN links ON links.parent = below.node AND links.place IS NULL
),
indexes AS (
    SELECT below.top AS node, max(dated.made_at) AS made_at
    FROM below
    JOIN dated USING (node)
    GROUP BY below.top
)
SELECT dated.node, coalesce(indexes.made_at, dated.made_at) AS made_at
FROM dated
LEFT JOIN indexes USING (node)
