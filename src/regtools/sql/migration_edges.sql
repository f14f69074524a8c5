-- Answers: what do the wanted indexes list?
-- Parameters: none; tables migration_wanted, links, nodes.
-- Columns: place, parent, child (nodes), digest, media_type, is_index (of the child).
SELECT DISTINCT
    wanted.place,
    links.parent,
    links.child,
    nodes.digest,
    nodes.media_type,
    below.parent IS NOT NULL AS is_index
FROM migration_wanted AS wanted
JOIN links ON links.parent = wanted.node AND links.place IS NULL
JOIN nodes ON nodes.node = links.child
LEFT JOIN (SELECT DISTINCT parent FROM links WHERE place IS NULL) AS below
    ON below.parent = links.child
ORDER BY wanted.place, links.parent, nodes.digest
