-- Answers: which manifests stay though they are no version: no rule speaks of them?
-- Parameters: the variable locks_hold (FALSE: a policy deletes what is locked too); tables others, referrer_tags, untagged_here, protected.
-- Columns: place, node.
WITH
-- Referrers whose subject is gone.
lonely AS (
    SELECT place, node FROM others WHERE tag IS NOT NULL AND NOT goes_along AND node IS NOT NULL
),
-- What may be a referrer that runs: it stays also where its subject goes.
beside AS (
    SELECT place, node FROM referrer_tags
    UNION ALL
    SELECT place, node FROM untagged_here
)
SELECT place, node FROM lonely
UNION
SELECT place, node
FROM (
    SELECT place, node, locked FROM referrer_tags
    UNION ALL
    SELECT place, node, locked FROM untagged_here
) AS lockable
WHERE locked AND node IS NOT NULL AND getvariable('locks_hold')
UNION
SELECT place, node FROM protected SEMI JOIN beside USING (place, node)
