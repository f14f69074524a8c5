-- Answers: which manifests stay though they are no version: no rule speaks of them?
-- Parameters: none; tables others, referrer_tags, untagged_here, protected.
-- Columns: place, node.
-- A referrer whose subject is gone.
SELECT place, node FROM others WHERE tag IS NOT NULL AND NOT goes_along AND node IS NOT NULL
UNION
-- A referrer that runs, also where its subject goes.
SELECT place, node
FROM protected
SEMI JOIN (
    SELECT place, node FROM referrer_tags
    UNION ALL
    SELECT place, node FROM untagged_here
) AS beside USING (place, node)
