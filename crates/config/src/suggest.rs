//! "Did you mean": the nearest of some known words.

/// The known word that `word` is most likely a slip of: at most a third of its letters away, case not counted.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let limit = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        // Words are at least as far apart as their lengths, and the distance takes long to find.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_within_a_third_of_the_letters_is_meant() {
        let known = ["protocol", "persistence_timeout", "priority", "weight", "lb_algo"];
        assert_eq!(nearest("protocal", known), Some("protocol"));
        assert_eq!(nearest("persistance_timeout", known), Some("persistence_timeout"));
        assert_eq!(nearest("PRIORITY", known), Some("priority"));
        assert_eq!(nearest("weigth", known), Some("weight"));
        assert_eq!(nearest("nat_mask", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
