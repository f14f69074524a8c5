-- Answers: which tags does the destination have, in repositories that were copied to, that the
--          source has not?
-- Parameters: none; tables places, nodes, tagged, migration_pairs(place, destination).
-- Columns: destination, tag, digest, refers.
SELECT
    there.repository AS destination,
    tagged.tag,
    coalesce(nodes.digest, tagged.unread) AS digest,
    tagged.refers
FROM tagged
JOIN places AS there USING (place)
LEFT JOIN nodes USING (node)
SEMI JOIN migration_pairs ON migration_pairs.destination = there.repository
ANTI JOIN (
    SELECT migration_pairs.destination, here.tag
    FROM tagged AS here
    JOIN migration_pairs USING (place)
) AS copied
    ON copied.destination = there.repository AND copied.tag = tagged.tag
WHERE there.state = 1
ORDER BY there.repository, tagged.tag
