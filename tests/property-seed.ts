import fc from "fast-check";

// The same cases in every run: what fails here can be run again. `FAST_CHECK_SEED=N` tries others.
fc.configureGlobal({ seed: Number(process.env["FAST_CHECK_SEED"] ?? 1) });
