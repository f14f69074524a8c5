-- Answers: which bytes go only once all of some versions are gone, and which versions are these?
-- Parameters: $most: not of more versions than these; tables places, nodes, links, versions, held.
-- Columns: units (a list of numbers), size; each set of units once.
WITH RECURSIVE
units AS (
    SELECT row_number() OVER (ORDER BY place, node) AS unit, place, node
    FROM versions
    WHERE leaving = holders
),
-- What a recursion holds it holds in memory: only those that lead to something take part.
below AS (
    SELECT units.unit, units.place, units.node
    FROM units
    SEMI JOIN links ON links.parent = units.node
    UNION
    SELECT below.unit, below.place, links.child
    FROM below
    JOIN links
        ON links.parent = below.node
        AND (links.place IS NULL OR links.place = below.place)
),
reached AS (
    SELECT unit, place, node FROM units
    UNION
    SELECT unit, place, node FROM below
),
contents AS (
    SELECT node, digest, size, TRUE AS stored FROM nodes
    UNION ALL
    SELECT node, config_digest, config_size, TRUE FROM nodes WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT nodes.node, layers.blob, layers.size, NOT layers."foreign"
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
),
staying AS (
    SELECT DISTINCT places.scope, contents.digest
    FROM held
    JOIN places USING (place)
    JOIN contents USING (node)
    WHERE held.kept
),
pieces AS (
    SELECT
        places.scope,
        contents.digest,
        max(contents.size) AS size,
        list(DISTINCT reached.unit ORDER BY reached.unit) AS units
    FROM reached
    JOIN places USING (place)
    JOIN contents USING (node)
    ANTI JOIN staying ON staying.scope = places.scope AND staying.digest = contents.digest
    GROUP BY places.scope, contents.digest
    HAVING bool_or(contents.stored)
)
SELECT units, sum(size) AS size
FROM pieces
WHERE len(units) <= $most
GROUP BY units
ORDER BY size DESC, units
