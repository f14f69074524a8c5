-- Answers: which manifests must each repository of the destination hold in the end, and which does
--          it hold already?
-- Parameters: none; tables migration_reach, migration_dropped(place, node), migration_pairs,
--             migration_there, nodes.
-- Columns: place, destination, node, digest, media_type, held.
SELECT
    reach.place,
    migration_pairs.destination,
    reach.node,
    any_value(nodes.digest) AS digest,
    any_value(nodes.media_type) AS media_type,
    bool_or(there.digest IS NOT NULL) AS held
FROM migration_reach AS reach
JOIN migration_pairs USING (place)
JOIN nodes USING (node)
LEFT JOIN migration_there AS there
    ON there.repository = migration_pairs.destination AND there.digest = nodes.digest
ANTI JOIN migration_dropped AS dropped
    ON dropped.place = reach.place AND dropped.node = reach.node
GROUP BY reach.place, migration_pairs.destination, reach.node
