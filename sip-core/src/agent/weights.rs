//! In which order several servers are tried (RFC 2782).

use crate::entropy::Entropy;
use alloc::vec::Vec;

/// One server, as an SRV record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// Those with the lowest number are tried first.
    pub priority: u16,
    /// Among those of one priority: how often it is the first, beside the others.
    pub weight: u16,
}

/// Their places in the order in which they are tried.
pub fn order(servers: &[Weighted], entropy: &mut Entropy) -> Vec<usize> {
    let mut left = Vec::with_capacity(servers.len());
    for at in 0..servers.len() {
        // Those that weigh nothing stand first, so that chance finds them only with the smallest of its numbers.
        let key = |at: usize| (servers[at].priority, servers[at].weight != 0);
        left.insert(left.partition_point(|other| key(*other) <= key(at)), at);
    }
    let mut order = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let priority = servers[*first].priority;
        let of = |at: &&usize| servers[**at].priority == priority;
        let group = || left.iter().take_while(of);
        let weight = |at: &usize| u64::from(servers[*at].weight);
        let chance = entropy.below(group().map(weight).sum::<u64>() + 1);
        let mut sum = 0;
        let found = group().position(|at| {
            sum += weight(at);
            sum >= chance
        });
        order.push(left.remove(found.unwrap_or(0)));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::{Weighted, order};
    use crate::entropy::Entropy;

    #[test]
    fn priorities_are_kept_and_weights_are_met_by_chance() {
        let server = |priority, weight| Weighted { priority, weight };
        let servers = [
            server(20, 0),
            server(10, 60),
            server(10, 30),
            server(10, 10),
            server(10, 0),
        ];
        let mut first = [0; 5];
        let mut entropy = Entropy::for_tests(3);
        for _ in 0..10_000 {
            let order = order(&servers, &mut entropy);
            assert_eq!(order[4], 0, "the second choice is last");
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4], "each once");
            first[order[0]] += 1;
        }
        for (at, range) in [
            (1, 5_700..6_300),
            (2, 2_700..3_300),
            (3, 800..1_200),
            (4, 1..250),
        ] {
            assert!(range.contains(&first[at]), "{first:?}");
        }
        assert!(order(&[], &mut entropy).is_empty());
    }
}
