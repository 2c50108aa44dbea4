//! Byte strings in order: the one map of the core.

use std::cmp::Ordering;

/// Byte strings, each with the number of those before it when it came.
///
/// An AA tree, a search tree that balances itself, in two lists: little memory and a fraction of the code of the standard
/// library's map. Nothing in it is random: whoever chooses the strings, and knows this code, cannot make it slow.
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
    /// Of nodes of one level at most two hang together, the second on the right of the first.
    level: u32,
}

/// A place in the tree: on the left or on the right below a node.
type Place = (usize, usize);

const ROOT: Place = (0, RIGHT);
const LEFT: usize = 0;
const RIGHT: usize = 1;
/// No tree in 32 bits of memory is deeper: a level has two nodes at most, and twice as many nodes below it.
const DEPTH_MAX: usize = 64;

/// Bytewise order; what the compiler makes of it goes byte by byte in WebAssembly.
fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while let (Some((x, rest_a)), Some((y, rest_b))) = (a.split_first_chunk(), b.split_first_chunk()) {
        if x != y {
            return u64::from_be_bytes(*x).cmp(&u64::from_be_bytes(*y));
        }
        (a, b) = (rest_a, rest_b);
    }
    a.cmp(b)
}

impl Index {
    /// How many strings there are.
    pub fn count(&self) -> usize {
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
            match compare(key, self.key(at - 1)) {
                Ordering::Equal => return Some(at - 1),
                order => at = self.at((at, usize::from(order.is_gt()))),
            }
        }
        None
    }

    /// The number of a string, which is added if it is new.
    pub fn place(&mut self, key: &[u8]) -> usize {
        let mut path = [ROOT; DEPTH_MAX];
        let mut depth = 0;
        let mut place = ROOT;
        loop {
            if let Some(step) = path.get_mut(depth) {
                *step = place;
            }
            let at = self.at(place);
            if at == 0 {
                break;
            }
            let order = compare(key, self.key(at - 1));
            if order.is_eq() {
                return at - 1;
            }
            place = (at, usize::from(order.is_gt()));
            depth += 1;
        }
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let new = self.nodes.len();
        self.bytes.extend_from_slice(key);
        self.nodes.push(Node { end: self.bytes.len(), below: [0, 0], level: 1 });
        let mut below = new;
        for place in path.iter().take(depth + 1).rev() {
            self.set(*place, below);
            below = self.balance(place.0);
        }
        new - 1
    }

    /// What belongs into a node's place, now that there may be one more below it.
    #[inline(never)]
    fn balance(&mut self, node: usize) -> usize {
        if node == 0 {
            return 0;
        }
        let left = self.at((node, LEFT));
        let node = if self.level(left) == self.level(node) { self.turn(node, LEFT) } else { node };
        let second = self.at((node, RIGHT));
        if self.level(self.at((second, RIGHT))) < self.level(node) {
            return node;
        }
        // Three in a row: the middle one rises.
        if let Some(second) = self.nodes.get_mut(second) {
            second.level += 1;
        }
        self.turn(node, RIGHT)
    }

    /// Lifts what is on one side of a node into its place, and the node below it.
    #[inline(never)]
    fn turn(&mut self, node: usize, side: usize) -> usize {
        let up = self.at((node, side));
        self.set((node, side), self.at((up, 1 - side)));
        self.set((up, 1 - side), node);
        up
    }

    fn level(&self, node: usize) -> u32 {
        self.nodes.get(node).map_or(0, |node| node.level)
    }

    /// The numbers in bytewise order of the strings.
    pub fn order(&self) -> Vec<usize> {
        let (mut order, mut above) = (Vec::new(), Vec::new());
        let mut at = self.at(ROOT);
        loop {
            if at > 0 {
                above.push(at);
                at = self.at((at, LEFT));
            } else if let Some(node) = above.pop() {
                order.push(node - 1);
                at = self.at((node, RIGHT));
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
            prop_assert_eq!(index.count(), map.len());
            prop_assert_eq!(index.order(), map.values().copied().collect::<Vec<_>>());
            for (key, number) in &map {
                prop_assert_eq!(index.key(*number), key.as_bytes());
            }
        }
    }

    #[test]
    fn no_order_of_arrival_unbalances_it() {
        let zigzag = |n: u32| if n & 1 == 0 { n } else { !n };
        let orders: [fn(u32) -> u32; 5] =
            [|n| n, |n| !n, |n| n.reverse_bits(), zigzag, |n| n.wrapping_mul(0x9e37_79b1)];
        for order in orders {
            let mut index = Index::default();
            for n in 0..50_000 {
                index.place(&order(n).to_be_bytes());
            }
            assert!(depth(&index, ROOT) <= 32, "{}", depth(&index, ROOT));
            let sorted: Vec<_> = index.order().into_iter().map(|at| index.key(at)).collect();
            assert!(sorted.is_sorted());
        }
        // Who knows where it is deepest, and makes it deeper there.
        let mut index = Index::default();
        index.place(&[128]);
        for _ in 0..1_000 {
            let mut key = deepest(&index);
            key.push(128);
            index.place(&key);
        }
        assert!(depth(&index, ROOT) <= 20, "{}", depth(&index, ROOT));
    }

    /// The string that is farthest down.
    fn deepest(index: &Index) -> Vec<u8> {
        let mut place = ROOT;
        while index.at(place) > 0 {
            let node = index.at(place);
            let right = depth(index, (node, 1)) >= depth(index, (node, 0));
            if depth(index, place) == 1 {
                return index.key(node - 1).to_vec();
            }
            place = (node, usize::from(right));
        }
        Vec::new()
    }
}
