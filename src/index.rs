//! Byte strings in order: the one map of the core.

use std::cmp::Ordering;

/// Byte strings, each with the number of those before it when it came.
///
/// A treap, a search tree that stays balanced by giving each node a random rank, in two lists: little memory and a
/// fraction of the code of the standard library's map.
#[derive(Default)]
pub struct Index {
    /// All strings, one after the other
    bytes: Vec<u8>,
    /// The first is none, but has the root on its right
    nodes: Vec<Node>,
}

/// A string that begins where the one of the node before ends. No node has node 0 below it: it stands for none.
#[derive(Default)]
struct Node {
    end: usize,
    below: [usize; 2],
}

/// A place in the tree: left (0) or right (1) below a node.
type Place = (usize, usize);

const ROOT: Place = (0, 1);

impl Index {
    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.nodes.len() * size_of::<Node>()
    }

    /// The string with this number.
    pub fn key(&self, number: usize) -> &[u8] {
        let end = |node: usize| self.nodes.get(node).map_or(0, |node| node.end);
        self.bytes.get(end(number)..end(number + 1)).unwrap_or_default()
    }

    /// The number of a string.
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let mut at = self.at(ROOT);
        while at > 0 {
            match key.cmp(self.key(at - 1)) {
                Ordering::Equal => return Some(at - 1),
                order => at = self.at((at, usize::from(order.is_gt()))),
            }
        }
        None
    }

    /// The number of a string, which is added if it is new.
    pub fn place(&mut self, key: &[u8]) -> usize {
        if let Some(number) = self.find(key) {
            return number;
        }
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let new = self.nodes.len();
        self.bytes.extend_from_slice(key);
        self.nodes.push(Node { end: self.bytes.len(), below: [0, 0] });
        // Below all nodes of a higher rank.
        let mut place = ROOT;
        let mut rest = self.at(place);
        while rest > 0 && rank(rest) > rank(new) {
            place = (rest, self.side(rest, key));
            rest = self.at(place);
        }
        self.set(place, new);
        // What has been there is cut in two, what comes before the key and what comes after.
        let (mut before, mut after) = ((new, 0), (new, 1));
        while rest > 0 {
            let side = self.side(rest, key);
            let open = if side == 1 { &mut before } else { &mut after };
            let place = std::mem::replace(open, (rest, side));
            self.set(place, rest);
            rest = self.at((rest, side));
        }
        self.set(before, 0);
        self.set(after, 0);
        new - 1
    }

    /// The numbers in bytewise order of the strings.
    pub fn order(&self) -> Vec<usize> {
        let (mut order, mut above) = (Vec::new(), Vec::new());
        let mut at = self.at(ROOT);
        loop {
            if at > 0 {
                above.push(at);
                at = self.at((at, 0));
            } else if let Some(node) = above.pop() {
                order.push(node - 1);
                at = self.at((node, 1));
            } else {
                return order;
            }
        }
    }

    fn at(&self, (node, side): Place) -> usize {
        self.nodes.get(node).and_then(|node| node.below.get(side)).copied().unwrap_or(0)
    }

    fn set(&mut self, (node, side): Place, below: usize) {
        if let Some(place) = self.nodes.get_mut(node).and_then(|node| node.below.get_mut(side)) {
            *place = below;
        }
    }

    /// On which side of a node a key belongs that is not its own.
    fn side(&self, node: usize, key: &[u8]) -> usize {
        usize::from(key > self.key(node - 1))
    }
}

/// Random enough, and always the same.
fn rank(node: usize) -> u32 {
    let n = (node as u32).wrapping_mul(0x9e37_79b1);
    (n ^ n >> 15).wrapping_mul(0x85eb_ca6b)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn depth(index: &Index, place: Place) -> usize {
        match index.at(place) {
            0 => 0,
            node => 1 + depth(index, (node, 0)).max(depth(index, (node, 1))),
        }
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(keys in proptest::collection::vec("[ab]{0,6}", 0..200)) {
            let (mut index, mut map) = (Index::default(), BTreeMap::new());
            for key in &keys {
                prop_assert_eq!(index.find(key.as_bytes()), map.get(key).copied());
                let next = map.len();
                prop_assert_eq!(index.place(key.as_bytes()), *map.entry(key.clone()).or_insert(next));
            }
            prop_assert_eq!(index.len(), map.len());
            prop_assert_eq!(index.order(), map.values().copied().collect::<Vec<_>>());
            for (key, number) in &map {
                prop_assert_eq!(index.key(*number), key.as_bytes());
            }
        }
    }

    #[test]
    fn order_of_arrival_does_not_unbalance_it() {
        let orders: [fn(u32) -> u32; 4] = [|n| n, |n| !n, |n| n.reverse_bits(), |n| if n % 2 == 0 { n } else { !n }];
        for order in orders {
            let mut index = Index::default();
            for n in 0..50_000 {
                index.place(&order(n).to_be_bytes());
            }
            // Twice the logarithm and some is what random ranks give.
            assert!(depth(&index, ROOT) < 50, "{}", depth(&index, ROOT));
        }
    }
}
