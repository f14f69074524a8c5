-- Answers: which repositories grew between two states, and which tags came and went?
-- Parameters: none; tables roots, usage_by_repository, spans(registry, first_state, last_state).
-- Columns: registry, repository, first_bytes, last_bytes, grown_bytes, added_tags, removed_tags.
WITH
ends AS (
    SELECT
        usage_by_repository.place,
        spans.registry,
        usage_by_repository.repository,
        usage_by_repository.state = spans.first_state AS is_first,
        usage_by_repository.state = spans.last_state AS is_last,
        usage_by_repository.physical_bytes AS size
    FROM spans
    JOIN usage_by_repository
        ON usage_by_repository.registry = spans.registry
        AND usage_by_repository.state IN (spans.first_state, spans.last_state)
),
tag_ends AS (
    SELECT
        ends.registry,
        ends.repository,
        roots.tag,
        bool_or(is_first) AS was_first,
        bool_or(is_last) AS was_last
    FROM ends
    JOIN roots USING (place)
    WHERE roots.tag IS NOT NULL
    GROUP BY ends.registry, ends.repository, roots.tag
),
tag_changes AS (
    SELECT
        registry,
        repository,
        count(*) FILTER (WHERE was_last AND NOT was_first) AS added,
        count(*) FILTER (WHERE was_first AND NOT was_last) AS removed
    FROM tag_ends
    GROUP BY registry, repository
),
sizes AS (
    SELECT
        registry,
        repository,
        coalesce(sum(size) FILTER (WHERE is_first), 0) AS first_bytes,
        coalesce(sum(size) FILTER (WHERE is_last), 0) AS last_bytes
    FROM ends
    GROUP BY registry, repository
)
SELECT
    registry,
    repository,
    first_bytes,
    last_bytes,
    last_bytes - first_bytes AS grown_bytes,
    coalesce(tag_changes.added, 0) AS added_tags,
    coalesce(tag_changes.removed, 0) AS removed_tags
FROM sizes
LEFT JOIN tag_changes USING (registry, repository)
ORDER BY grown_bytes DESC, registry, repository
