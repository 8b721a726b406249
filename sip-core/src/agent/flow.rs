//! One flow (RFC 5626 §4.2): a socket, and the binding on it. Most agents have one; with several, each is opened, kept
//! alive, bound, refreshed and lost by itself.

use super::config::Config;
use super::link::Link;
use super::post::Post;
use super::registration::Registrar;
use crate::time::Time;
#[cfg(feature = "outbound")]
use alloc::vec::Vec;

/// There may be several. Where there is but one, what is said of others here comes to nothing, and weighs nothing.
pub const SEVERAL: bool = cfg!(feature = "outbound");

/// The flows of an agent: at least the first.
#[cfg(feature = "outbound")]
pub type Flows = Vec<Flow>;
#[cfg(not(feature = "outbound"))]
pub type Flows = [Flow; 1];

/// Which flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    #[cfg(feature = "outbound")]
    place: u8,
}

impl FlowId {
    /// The one that every agent has.
    pub const FIRST: Self = Self::at(0);

    /// The one at this place among the flows of its agent.
    #[cfg_attr(
        not(feature = "outbound"),
        expect(unused_variables, reason = "there is but one")
    )]
    pub const fn at(place: usize) -> Self {
        Self {
            #[cfg(feature = "outbound")]
            place: place as u8,
        }
    }

    /// Its place among the flows of its agent.
    pub const fn place(self) -> usize {
        #[cfg(feature = "outbound")]
        return self.place as usize;
        #[cfg(not(feature = "outbound"))]
        0
    }

    /// How the registrar tells it from the others (RFC 5626 §4.2).
    pub const fn reg_id(self) -> usize {
        self.place() + 1
    }
}

/// One flow.
#[derive(Debug)]
pub struct Flow {
    /// Its socket.
    pub link: Link,
    /// Its binding.
    pub registrar: Registrar,
    /// Its registration was refused, and it stays open for the calls on it.
    pub kept: bool,
}

impl Flow {
    /// A flow that has not been opened.
    pub fn new(id: FlowId, config: &Config, post: &mut Post) -> Self {
        Self {
            link: Link::new(config.patience),
            registrar: Registrar::new(id, config, post),
            kept: false,
        }
    }

    /// It can carry calls.
    pub fn is_bound(&self) -> bool {
        self.registrar.is_bound() && self.link.is_open()
    }

    /// When something of it is due.
    pub fn deadline(&self) -> Option<Time> {
        let due = [self.link.deadline(), self.registrar.deadline()];
        due.into_iter().flatten().min()
    }
}

/// The flows that are bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bound(u8);

impl Bound {
    /// This one is, or is no more.
    pub fn set(&mut self, flow: FlowId, bound: bool) {
        self.0 = self.0 & !(1 << flow.place()) | u8::from(bound) << flow.place();
    }

    /// This one is.
    pub const fn has(self, flow: FlowId) -> bool {
        self.0 >> flow.place() & 1 == 1
    }

    /// None is.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first one.
    pub const fn first(self) -> Option<FlowId> {
        self.from(0)
    }

    /// The first one behind this.
    pub const fn after(self, flow: FlowId) -> Option<FlowId> {
        self.from(flow.place() + 1)
    }

    const fn from(self, place: usize) -> Option<FlowId> {
        let left = self.0 as u16 >> place << place;
        if left == 0 || (!SEVERAL && place > 0) {
            None
        } else {
            Some(FlowId::at(left.trailing_zeros() as usize))
        }
    }
}
