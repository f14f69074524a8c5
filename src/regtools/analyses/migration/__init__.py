"""From one registry to another, by their newest scans: what is to be copied, and what arrived.

sides ─▶ judgement (what becomes of each tag) ─▶ plan (how much) ─▶ order (copy by copy)
  └────▶ check (what is equal at both)
"""
