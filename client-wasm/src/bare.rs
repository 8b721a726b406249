//! What a program without the standard library brings itself: memory, and the end of a panic.

use core::panic::PanicInfo;
use rlsf::SmallGlobalTlsf;

#[global_allocator]
static MEMORY: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// A panic is a fault of ours and ends as a trap, as it does with the standard library. What it would say is not carried along:
/// the texts, and what writes them, are a tenth of the wasm. The feature `std` has them.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
