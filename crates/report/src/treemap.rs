//! Rectangles with areas in proportion to sizes: the squarified layout of Bruls, Huizing and van Wijk.

/// A rectangle in the units of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    fn short_side(self) -> f64 {
        self.width.min(self.height)
    }

    /// Without a margin on all sides, and a head at the top.
    pub(crate) fn inside(self, margin: f64, head: f64) -> Self {
        Self {
            x: self.x + margin,
            y: self.y + margin + head,
            width: (self.width - 2.0 * margin).max(0.0),
            height: (self.height - 2.0 * margin - head).max(0.0),
        }
    }
}

/// Divides a rectangle up. `sizes` are in descending order; their sum may be less than `whole`, and the rest of the
/// rectangle stays free.
pub(crate) fn layout(sizes: &[u64], whole: u64, area: Rect) -> Vec<Rect> {
    let scale = if whole == 0 { 0.0 } else { area.width * area.height / whole as f64 };
    let areas: Vec<f64> = sizes.iter().map(|size| *size as f64 * scale).collect();
    let mut placed = Vec::with_capacity(sizes.len());
    let mut free = area;
    while placed.len() < areas.len() {
        let rest = &areas[placed.len()..];
        let mut row = 1;
        while row < rest.len()
            && worst(&rest[..=row], free.short_side()) <= worst(&rest[..row], free.short_side())
        {
            row += 1;
        }
        free = place(&rest[..row], free, &mut placed);
    }
    placed
}

/// The largest aspect ratio in a row along a side.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let ratio = |area: &f64| {
        let (one, other) = (side * side * area, sum * sum);
        if one == 0.0 || other == 0.0 { f64::INFINITY } else { (one / other).max(other / one) }
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Places a row along the shorter side. Returns what is still free.
fn place(row: &[f64], free: Rect, placed: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum();
    let side = free.short_side();
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    let upright = free.width >= free.height;
    for area in row {
        let length = if sum > 0.0 { side * area / sum } else { 0.0 };
        placed.push(if upright {
            Rect { x: free.x, y: free.y + at, width: depth, height: length }
        } else {
            Rect { x: free.x + at, y: free.y, width: length, height: depth }
        });
        at += length;
    }
    if upright {
        Rect { x: free.x + depth, width: (free.width - depth).max(0.0), ..free }
    } else {
        Rect { y: free.y + depth, height: (free.height - depth).max(0.0), ..free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };

    #[test]
    fn areas_are_in_proportion_and_inside() {
        let sizes = [600, 600, 400, 300, 200, 200, 100];
        let placed = layout(&sizes, 2400, AREA);
        assert_eq!(placed.len(), sizes.len());
        for (rect, size) in placed.iter().zip(sizes) {
            assert!((rect.width * rect.height - size as f64 * 100.0).abs() < 1e-6);
            assert!(rect.x >= 10.0 - 1e-9 && rect.x + rect.width <= 610.0 + 1e-6, "{rect:?}");
            assert!(rect.y >= 20.0 - 1e-9 && rect.y + rect.height <= 420.0 + 1e-6, "{rect:?}");
            let ratio = (rect.width / rect.height).max(rect.height / rect.width);
            assert!(ratio < 3.0, "{rect:?}");
        }
        for (place, one) in placed.iter().enumerate() {
            for other in &placed[place + 1..] {
                let apart = one.x + one.width <= other.x + 1e-6
                    || other.x + other.width <= one.x + 1e-6
                    || one.y + one.height <= other.y + 1e-6
                    || other.y + other.height <= one.y + 1e-6;
                assert!(apart, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn nothing_and_zeros_have_a_place() {
        assert_eq!(layout(&[], 0, AREA), []);
        let placed = layout(&[5, 0, 0], 0, AREA);
        assert!(placed.iter().all(|rect| rect.width.is_finite() && rect.height.is_finite()), "{placed:?}");
        let placed = layout(&[u64::MAX, 1, 0], u64::MAX, Rect::default());
        assert!(placed.iter().all(|rect| rect.width.is_finite()), "{placed:?}");
    }
}
