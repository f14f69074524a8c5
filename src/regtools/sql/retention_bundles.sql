-- Answers: which bytes go only once all of some versions are gone, and which versions are these?
-- Parameters: $most: not of more versions than these; $largest: only the largest so many sets,
--             and all sets within the versions of these; tables places, nodes, links, versions,
--             held.
-- Columns: units (a list of numbers, see unit_of), size; each set of units once.
WITH RECURSIVE
units AS (
    SELECT unit_of(place, node) AS unit, place, node FROM versions WHERE leaving = holders
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
-- What is in a manifest that stays, or that goes only with too many versions, is in no set. Most
-- of a large registry is: so the lists of versions are made of what is left, which is little.
tops AS (
    SELECT places.scope, reached.node, count(*) <= $most AS few
    FROM reached
    JOIN places USING (place)
    GROUP BY places.scope, reached.node
    UNION ALL
    SELECT DISTINCT places.scope, held.node, FALSE
    FROM held
    JOIN places USING (place)
    WHERE held.kept
),
found AS (
    SELECT scope, node, bool_and(few) AS few FROM tops GROUP BY scope, node
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
blobs AS (
    SELECT found.scope, contents.digest, max(contents.size) AS size
    FROM found
    JOIN contents USING (node)
    GROUP BY found.scope, contents.digest
    HAVING bool_and(found.few) AND bool_or(contents.stored) AND max(contents.size) > 0
),
pieces AS (
    SELECT DISTINCT blobs.scope, blobs.digest, blobs.size, reached.unit
    FROM blobs
    JOIN contents USING (digest)
    JOIN reached USING (node)
    JOIN places ON places.place = reached.place AND places.scope = blobs.scope
),
bundles AS MATERIALIZED (
    SELECT units, sum(size) AS size, row_number() OVER (ORDER BY sum(size) DESC, units) AS standing
    FROM (
        SELECT max(size) AS size, list(unit ORDER BY unit) AS units
        FROM pieces
        GROUP BY scope, digest
        HAVING count(*) <= $most
    ) AS sets
    GROUP BY units
),
candidates AS (
    SELECT DISTINCT unnest(units) AS unit FROM bundles WHERE standing <= $largest
),
within AS (
    SELECT standing
    FROM (SELECT standing, unnest(units) AS unit FROM bundles) AS each
    GROUP BY standing
    HAVING bool_and(unit IN (SELECT unit FROM candidates))
)
SELECT units, size
FROM bundles
SEMI JOIN within USING (standing)
ORDER BY standing
