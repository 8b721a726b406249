//! The edge in virtual time: scripted pages, every object evicted between any two inputs, one file per behaviour.

mod page;
mod sim;

mod answered;
