//! A bounded map that forgets what was added long ago.

use std::{collections::HashMap, hash::Hash, mem};

/// Holds the last `capacity / 2` to `capacity` entries, at constant cost: the older half is dropped at once.
#[derive(Debug)]
pub(crate) struct Memory<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash, V> Memory<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            half: capacity.div_ceil(2),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn the_newest_entries_are_kept_and_the_number_is_bounded() {
        let mut memory = Memory::new(10);
        for number in 0_u32..1000 {
            memory.insert(number, number);
            assert!(memory.young.len() + memory.old.len() <= 10);
            for recent in number.saturating_sub(4)..=number {
                assert_eq!(memory.get(&recent), Some(&recent));
            }
        }
        assert_eq!(memory.get(&900), None);
    }

    #[test]
    fn the_last_value_counts() {
        let mut memory = Memory::new(4);
        for number in 0..20 {
            memory.insert("same", number);
            assert_eq!(memory.get(&"same"), Some(&number));
        }
    }
}
