-- The number of the newest change before the run: what was written in it follows. The clock may have been set back between two runs,
-- so that times alone do not tell which came first. 0 where that was not noted yet.
ALTER TABLE run ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
