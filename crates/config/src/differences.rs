#![doc = include_str!("../../../docs/differences.md")]
