#pragma once

#include "opaline/model/data/grey_field.h"

namespace opaline {

/// The sheet alone, if the picture shows a digit on one that lies on a ground: on a dark desk, say. Any other
/// picture is left as it is.
GreyField without_frame(const GreyField& picture);

/// How far each pixel stands out from the paper, ink > 0: the picture without its paper, whose brightness is
/// taken for a quadratic function of the place. Of two clear levels the paper is that
/// of the border, otherwise the larger part of the picture; ink is what is farther from it, be it darker or
/// lighter. Where ink is darker, differences are in proportion to the light
/// that falls there.
GreyField without_paper(const GreyField& picture);

}  // namespace opaline
