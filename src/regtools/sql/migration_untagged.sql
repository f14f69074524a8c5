-- Answers: which referrers are wanted that no wanted tag leads to through indexes?
-- Parameters: none; tables migration_wanted, migration_reach, links, nodes.
-- Columns: place, destination, node, digest, held.
WITH
under_a_tag AS (
    SELECT DISTINCT place, node FROM migration_reach WHERE own
),
alone AS (
    SELECT wanted.* FROM migration_wanted AS wanted ANTI JOIN under_a_tag USING (place, node)
),
-- What an index among them lists goes with it.
listed AS (
    SELECT DISTINCT alone.place, links.child AS node
    FROM alone
    JOIN links ON links.parent = alone.node AND links.place IS NULL
)
SELECT place, destination, node, digest, held
FROM alone
ANTI JOIN listed USING (place, node)
ORDER BY destination, digest
