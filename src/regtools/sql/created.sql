-- Answers: when was the newest image of each root made, by a date that can be believed?
-- Parameters: $earliest, before which no image can have been made; tables places, roots, items,
--             reach.
-- Columns: root, created_at.
WITH
scanned AS (
    SELECT DISTINCT roots.root, snapshots.taken_at
    FROM roots
    JOIN places USING (place)
    JOIN snapshots USING (snapshot)
)
SELECT root, max(items.created_at) AS created_at
FROM scanned
JOIN reach USING (root)
JOIN items USING (item)
-- Reproducible builds write 1970 or 1980, and a broken clock writes the future.
WHERE items.created_at BETWEEN $earliest AND scanned.taken_at
GROUP BY root
