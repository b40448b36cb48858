//! Shares of counts, and expected values.

/// The points of a five-point quadrature of the normal distribution, with their weights.
const POINTS: [(f64, f64); 5] = [
    (-2.856_97, 0.011_257),
    (-1.355_626, 0.222_076),
    (0.0, 0.533_333),
    (1.355_626, 0.222_076),
    (2.856_97, 0.011_257),
];
/// Up to this count, the mean is computed exactly.
const FEW: u64 = 64;

/// The mean of `bytes(n)`, where each of `count` things counts towards `n` with probability `chance`.
pub(crate) fn expected(count: u64, chance: f64, bytes: impl Fn(u64) -> u64) -> u64 {
    if count == 0 || chance <= 0.0 {
        return bytes(0);
    }
    if chance >= 1.0 {
        return bytes(count);
    }
    let sum: f64 = if count <= FEW {
        let odds = chance / (1.0 - chance);
        let mut probability = (1.0 - chance).powi(count as i32);
        let mut sum = 0.0;
        for number in 0..=count {
            sum += probability * bytes(number) as f64;
            probability *= odds * (count - number) as f64 / (number + 1) as f64;
        }
        sum
    } else {
        let mean = count as f64 * chance;
        let deviation = (mean * (1.0 - chance)).sqrt();
        let at = |place: f64| (mean + place * deviation).round().clamp(0.0, count as f64) as u64;
        POINTS.iter().map(|(place, weight)| weight * bytes(at(*place)) as f64).sum()
    };
    sum.round() as u64
}

/// The share of a part in a whole; 0 if the whole is 0.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A share of a count.
pub(crate) fn scaled(count: u64, factor: f64) -> u64 {
    (count as f64 * factor).round() as u64
}
