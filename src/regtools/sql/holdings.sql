-- Answers: what does each repository hold, whichever of its tags and manifests lead there?
-- Parameters: none; tables roots, reach.
-- Columns: place, item, stored (false: only as foreign layer).
SELECT tops.place, reach.item, bool_or(reach.stored) AS stored
FROM (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops
JOIN reach USING (root)
GROUP BY tops.place, reach.item
