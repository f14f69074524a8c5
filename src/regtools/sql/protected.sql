-- Answers: which manifests does something that runs need? Those in use, the indexes that hold them,
--          and all that they need themselves.
-- Parameters: none; tables places, nodes, links, tagged, in_use(registry, repository, tag, digest), where an
--             empty registry means any, and one of tag and digest is empty.
-- Columns: place, node.
WITH RECURSIVE
named AS (
    SELECT places.place, places.scan, in_use.tag, in_use.digest
    FROM in_use
    JOIN places
        ON places.repository = in_use.repository
        AND in_use.registry IN ('', places.registry)
),
running AS (
    SELECT place, tagged.node
    FROM named
    JOIN tagged USING (place, tag)
    WHERE tagged.node IS NOT NULL
    UNION
    SELECT named.place, nodes.node
    FROM named
    JOIN nodes ON nodes.scan = named.scan AND nodes.digest = named.digest
),
above AS (
    SELECT place, node FROM running
    UNION
    SELECT above.place, links.parent
    FROM above
    JOIN links ON links.child = above.node AND links.place IS NULL
),
below AS (
    SELECT place, node FROM running
    UNION
    SELECT below.place, links.child
    FROM below
    JOIN links
        ON links.parent = below.node
        AND (links.place IS NULL OR links.place = below.place)
)
SELECT place, node FROM above
UNION
SELECT place, node FROM below
