-- Answers: which attestations stand in an index that does not list the image they are about?
-- Parameters: none; tables places, audit_held.
-- Columns: place, digest (the image), tags.
SELECT
    held.place,
    children.attests AS digest,
    coalesce(list_sort(list(DISTINCT held.tag) FILTER (WHERE held.tag IS NOT NULL)), []) AS tags
FROM children
ANTI JOIN children AS siblings
    ON siblings.snapshot = children.snapshot
    AND siblings.parent = children.parent
    AND siblings.child = children.attests
JOIN audit_held AS held ON held.about = children.parent
JOIN places ON places.place = held.place AND places.snapshot = children.snapshot
WHERE children.attests IS NOT NULL
GROUP BY held.place, children.attests
