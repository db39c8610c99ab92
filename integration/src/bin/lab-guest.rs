//! The init of the lab's embedded kernel.

fn main() -> std::io::Result<()> {
    match lab::agent()? {}
}
