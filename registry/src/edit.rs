//! What a partial update says about a field that may be absent.

/// Leaves a field as it is, or sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// The request does not mention the field.
    #[default]
    Keep,
    /// The field is now this.
    Set(T),
}

impl<T> Edit<T> {
    /// The field's next value.
    pub fn apply(self, current: T) -> T {
        match self {
            Self::Keep => current,
            Self::Set(value) => value,
        }
    }
}
