//! The engine against sensors and sources of the tests, on a clock that the tests move.

mod assembly;
mod changes;
mod check;
mod clock;
mod conflicts;
mod maintain;
mod mutants;
mod rediscover;
mod reload;
mod source;
mod stale;
mod time;
mod world;
