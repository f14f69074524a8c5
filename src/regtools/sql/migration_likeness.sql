-- Answers: of tags that differ, which hold the same files, packed or listed another way?
-- Parameters: none; tables links, nodes, tagged, migration_there, migration_differing(place, tag, digest,
--             repository: what it names at the destination, and where).
-- Columns: place, tag.
WITH RECURSIVE
tops AS (
    SELECT differing.place, differing.tag, 'source' AS side, tagged.node
    FROM migration_differing AS differing
    JOIN tagged USING (place, tag)
    UNION
    SELECT differing.place, differing.tag, 'destination', there.node
    FROM migration_differing AS differing
    JOIN migration_there AS there USING (repository, digest)
),
below AS (
    SELECT place, tag, side, node FROM tops
    UNION
    SELECT below.place, below.tag, below.side, links.child
    FROM below
    JOIN links
        ON links.parent = below.node AND links.place IS NULL AND NOT links.attests
),
images AS (
    SELECT
        below.place,
        below.tag,
        below.side,
        coalesce(any_value(nodes.platform), '') AS platform,
        string_agg(coalesce(layers.diff_id, '?'), ' ' ORDER BY layers.position) AS files
    FROM below
    JOIN nodes USING (node)
    JOIN layers ON layers.snapshot = nodes.snapshot AND layers.manifest = nodes.digest
    GROUP BY below.place, below.tag, below.side, below.node
),
sides AS (
    SELECT place, tag, side, list_sort(list(DISTINCT platform || ' ' || files)) AS files
    FROM images
    GROUP BY place, tag, side
    HAVING NOT bool_or(contains(files, '?'))
)
SELECT own.place, own.tag
FROM sides AS own
JOIN sides AS other
    ON other.place = own.place AND other.tag = own.tag AND other.files = own.files
WHERE own.side = 'source' AND other.side = 'destination'
