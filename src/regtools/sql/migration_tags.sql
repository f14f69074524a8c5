-- Answers: what does each tag of the source name, and what does its name at the destination name?
-- Parameters: none; tables places, nodes, tagged, migration_pairs(place, destination).
-- Columns: place, repository, tag, digest, node (NULL: not read), refers (a referrer's tag),
--          destination, digest_there (NULL: no such tag).
WITH
there AS (
    SELECT
        places.repository, tagged.tag, coalesce(nodes.digest, tagged.unread) AS digest
    FROM tagged
    JOIN places USING (place)
    LEFT JOIN nodes USING (node)
    WHERE places.state = 1
)
SELECT
    tagged.place,
    places.repository,
    tagged.tag,
    coalesce(nodes.digest, tagged.unread) AS digest,
    tagged.node,
    tagged.refers,
    migration_pairs.destination,
    there.digest AS digest_there
FROM tagged
JOIN migration_pairs USING (place)
JOIN places USING (place)
LEFT JOIN nodes USING (node)
LEFT JOIN there
    ON there.repository = migration_pairs.destination AND there.tag = tagged.tag
ORDER BY places.repository, tagged.tag
